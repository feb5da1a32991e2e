/** What is wrong with what was typed or asked for, said as soon as it shows; nothing as long as nothing is. */
export function Wrong({ text, id }: { text: string | null; id?: string }) {
  if (text === null) return null;
  return (
    <p id={id} class="hint wrong" role="alert">
      {text}
    </p>
  );
}

/** The line that describes a field: what belongs into it, or what is wrong with what it holds. */
export function Hint({ id, hint, wrong }: { id: string; hint: string; wrong: string | null }) {
  if (wrong !== null) return <Wrong id={id} text={wrong} />;
  return (
    <p id={id} class="hint">
      {hint}
    </p>
  );
}
