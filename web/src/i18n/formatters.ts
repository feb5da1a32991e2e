/** The platform's formatters. Making one takes a hundred times as long as what it then writes, and a list writes four in each row. */
export const numbers = kept((locale: string, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options));
export const dates = kept((locale: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options));
export const relative = kept(
  (locale: string, options: Intl.RelativeTimeFormatOptions) => new Intl.RelativeTimeFormat(locale, options),
);
export const collator = kept((locale: string, options: Intl.CollatorOptions) => new Intl.Collator(locale, options));

function kept<O, F>(make: (locale: string, options: O) => F): (locale: string, options: O) => F {
  const made = new Map<string, F>();
  return (locale, options) => {
    // A formatter stays in the time zone that it was made in, and a computer may travel.
    const name = `${locale} ${new Date().getTimezoneOffset()} ${JSON.stringify(options)}`;
    const found = made.get(name) ?? make(locale, options);
    made.set(name, found);
    return found;
  };
}
