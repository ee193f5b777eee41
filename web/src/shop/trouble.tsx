// What went wrong, and the way to try it again.

export function Trouble({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{text}</p>
      {retry && <button type="button" class="button quiet" onClick={retry}>Try again</button>}
    </div>
  );
}
