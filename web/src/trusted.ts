interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
}

/**
 * The page's policy lets no text become markup or a script's address. Workers and the service worker need an address: it must
 * be a built file of ours. There is no rule for markup, so every attempt at that throws.
 */
export function allowOwnScripts(): void {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  types?.createPolicy('default', {
    createScriptURL(text) {
      const url = new URL(text, location.href);
      if (url.origin === location.origin && /^\/(sw\.js|assets\/[\w.-]+)$/.test(url.pathname)) return url.href;
      throw new TypeError(`No script of ours: ${text}`);
    },
  });
}
