// The words in other languages than English: each is a file beside this one on the server, loaded where it is needed.

/** Languages that the server has a file for: `words.hi.json` makes `order-tracker.hi.js`. */
const LANGUAGES = /^(hi)\b/;

export interface Language {
  code: string;
  say(english: string): string;
}

/** @returns the language of a locale, or English where it has no words or they don't come */
export async function loadLanguage(locale: string): Promise<Language> {
  const [code] = LANGUAGES.exec(locale) ?? [];
  try {
    if (code) {
      const url = new URL(`order-tracker.${code}.js`, import.meta.url).href;
      const { default: words } = (await import(url)) as { default: Readonly<Record<string, string>> };
      return { code, say: (english) => words[english] ?? english };
    }
  } catch { /* English is better than nothing */ }
  return { code: 'en', say: (english) => english };
}
