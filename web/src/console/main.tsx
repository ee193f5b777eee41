// The operator's console: a door, a menu, and the pages behind it.
import { type ComponentChildren, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { root } from './config.ts';
import { connection, installFeed } from './feed.ts';
import { installFigures, waiting } from './figures.ts';
import { Find } from './find.tsx';
import { Health } from './health.tsx';
import { Help } from './help.tsx';
import { DeliveryPage, Inbox } from './inbox.tsx';
import { Integrity } from './integrity.tsx';
import { helpOpen, installKeyboard } from './keyboard.ts';
import { Live } from './live.tsx';
import { Orders } from './orders.tsx';
import { OrderPage } from './order.tsx';
import { Loading, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { PAGES, type PageName, pathTo, route } from './route.ts';
import { lacking, may, resume, resuming, session, signOut } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { Stuck } from './stuck.tsx';
import { Suspense } from './suspense.tsx';
import { shortTime } from './times.ts';
import { Toast } from './toast.tsx';

const CONNECTION: Record<string, string> = {
  connecting: 'Connecting …', live: 'Live', reconnecting: 'No connection; trying again', ended: 'Signed out',
};

function Console() {
  if (resuming.value) return <main class="door"><div class="sheet"><Loading what="the console" rows={3} /></div></main>;
  if (session.value === null) return <SignIn />;
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to the page</a>
      <Menu />
      <div class="desk">
        <header class="top"><Find /><span class="push" /><Who /></header>
        <main id="main" tabIndex={-1}><Page /></main>
      </div>
      <Help />
      <Toast />
    </div>
  );
}

function Menu() {
  const { page } = route.value;
  // On a phone the menu is wider than the screen.
  useEffect(() => document.querySelector('.menu [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' }), [page]);
  return (
    <nav class="menu" aria-label="Console">
      <a class="brand" href={pathTo('live')}><img src="/static/favicon.svg" alt="" width="28" height="28" /><span>Orderpulse</span></a>
      <ul>
        {(Object.keys(PAGES) as PageName[]).map((name) => {
          const number = waiting.value[name as keyof typeof waiting.value];
          return (
            <li key={name}>
              <a href={pathTo(name)} aria-current={page === name ? 'page' : undefined}>
                {PAGES[name].title}
                {number && number !== '0' && <b class="mark">{number}<span class="hush"> waiting</span></b>}
              </a>
            </li>
          );
        })}
      </ul>
      {may('orders:read') && <p class="connection" data-state={connection.value} role="status">{CONNECTION[connection.value]}</p>}
    </nav>
  );
}

function Who() {
  const viewer = session.value!.viewer;
  const all = viewer.scopes.includes('staff');
  return (
    <p class="who">
      <span class="scopes" title={viewer.scopes.join(', ')}>{all ? 'Staff, every scope' : viewer.scopes.join(', ')}{viewer.expiresAt && `, until ${shortTime(new Date(viewer.expiresAt))}`}</span>
      <button type="button" class="as-link" onClick={() => { helpOpen.value = true; }}>Shortcuts <kbd>?</kbd></button>
      <button type="button" class="as-link" onClick={() => signOut()}>Sign out</button>
    </p>
  );
}

function Page() {
  const { page, id } = route.value;
  const { title } = PAGES[page];
  useEffect(() => { document.title = `${title} · Orderpulse console`; }, [title]);
  if (page === 'orders' && id) return <OrderPage key={id} id={id} />;
  if (page === 'inbox' && id) return <DeliveryPage key={id} id={id} />;
  return <><h1>{title}</h1><Body page={page} /></>;
}

function Body({ page }: { page: PageName }) {
  switch (page) {
    case 'live': return <Live />;
    case 'orders': return <ForReaders><Orders /></ForReaders>;
    case 'inbox': return <Inbox />;
    case 'suspense': return <Suspense />;
    case 'stuck': return <Stuck />;
    case 'integrity': return <Integrity />;
    case 'health': return <Health />;
  }
}

/** Without the scope the API answers with the key's own orders, of which staff have none. */
function ForReaders({ children }: { children: ComponentChildren }) {
  const why = lacking('orders:read');
  return why === null ? <>{children}</> : <Trouble problem={new Problem('FORBIDDEN', why)} />;
}

root.replaceChildren();
render(<Console />, root);
installKeyboard();
installFeed();
installFigures();
void resume();
