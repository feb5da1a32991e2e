/** A list below what is known of an entry. */
export function DetailsPart({
  title,
  action,
  act,
  children,
}: {
  title: string;
  action?: string;
  act?: () => void;
  children: preact.ComponentChildren;
}) {
  return (
    <section class="details-part">
      <header>
        <h4>{title}</h4>
        {action !== undefined && (
          <button type="button" class="link" onClick={act}>
            {action}
          </button>
        )}
      </header>
      {children}
    </section>
  );
}
