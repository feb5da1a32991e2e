import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { confirmByPasskey, passkeysPossible } from '../passkey.ts';
import { askForm } from '../ui/form.tsx';
import { fail } from '../ui/toast.tsx';

/** Before keys, passkeys and codes come or go: asks who it is, where that was said too long ago. False: it was not said. */
export async function confirmIdentity(): Promise<boolean> {
  try {
    const { confirmed, passkeys } = await client.call('SecondFactors', {});
    if (confirmed) return true;
    if (passkeys > 0 && passkeysPossible() && (await saidByPasskey())) return true;
  } catch (error) {
    fail(error);
    return false;
  }
  const done = await askForm({
    title: t('confirm.title'),
    text: t('confirm.text'),
    action: t('confirm.action'),
    fields: [
      { name: 'password', label: t('signIn.password'), kind: 'password' },
      { name: 'otp', label: t('signIn.otp'), optional: true },
    ],
    act: async ({ password = '', otp = '' }) => {
      const code = otp.replaceAll(' ', '');
      try {
        await client.call('LoginAgain', { body: { password, ...(code === '' ? {} : { otp: code }) } });
      } catch (error) {
        if (isApiError(error, 'second_factor_required')) throw new Error(t('confirm.code'));
        throw isApiError(error, 'unauthenticated') ? new Error(t('confirm.wrong')) : error;
      }
      return true;
    },
  });
  return done !== null;
}

/** Whoever says no to the browser's question may still have the password. */
async function saidByPasskey(): Promise<boolean> {
  try {
    await confirmByPasskey();
    return true;
  } catch (error) {
    if (error instanceof DOMException || isApiError(error, 'unauthenticated')) return false;
    throw error;
  }
}
