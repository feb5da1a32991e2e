/** The mark (the same drawing as public/icon.svg) and the name. */
export function Logo() {
  return (
    <a class="logo" href="#/drive">
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" class="logo-ground" />
        <path d="M9.5 22.5a4.8 4.8 0 0 1-.6-9.56 7.2 7.2 0 0 1 13.86-1.1A5.4 5.4 0 0 1 22 22.5" class="logo-line" />
        <path d="M12 19.2h8M12 23.2h8" class="logo-line thin" />
      </svg>
      <span>CloudStore</span>
    </a>
  );
}
