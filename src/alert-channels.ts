import type { Alert, AlertChannel, AlertDesk, AlertStore } from '#contracts/alerts';
import type { Webhooks } from '#contracts/webhooks';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { ALERT_TITLES } from '#jobs/alerts';
import type { Config } from './config/load.ts';
import { SettingError } from './config/setting-error.ts';

const MAIL_MS_MAX = 30_000;

/** The ways that the settings name. */
export function alertChannels({ values }: Config, webhooks: Webhooks): AlertChannel[] {
  const channels: AlertChannel[] = [];
  const target = values['alert-webhook'];
  if (target !== null)
    channels.push({
      name: 'webhook',
      send: (alert, signal) => webhooks.post(target, { id: `alert-${alert.id}`, body: JSON.stringify(alertJson(alert)) }, signal),
    });
  const [smtp, to] = [values['smtp-url'], values['alert-mail']];
  if (smtp !== null && to !== null) channels.push(mailChannel(smtp, to, values['alert-mail-from'] ?? to));
  return channels;
}

/** The contract is AlertDesk. */
export function createAlertDesk(
  config: Config,
  { alerts, webhooks, clock }: { alerts: Pick<AlertStore, 'list'>; webhooks: Webhooks; clock: Clock },
): AlertDesk {
  const { values } = config;
  const channels = alertChannels(config, webhooks);
  return {
    list: alerts.list,
    ways: () => [
      { name: 'webhook', to: values['alert-webhook'], settings: ['CLOUDSTORE_WEBHOOKS', 'CLOUDSTORE_ALERT_WEBHOOK'] },
      { name: 'mail', to: values['alert-mail'], settings: ['CLOUDSTORE_SMTP_URL', 'CLOUDSTORE_ALERT_MAIL'] },
    ],
    test: (signal) =>
      Promise.all(
        channels.map(async (channel) => {
          const raised = clock.now();
          const text = 'An admin asked for this message, to see whether alerts arrive. Nothing is wrong.';
          const alert: Alert = { id: 0, kind: 'test', subject: 'alerts', text, raised, cleared: raised, told: [] };
          return channel.send(alert, signal).then(
            () => ({ name: channel.name, error: null }),
            (error: unknown) => ({ name: channel.name, error: error instanceof Error ? error.message : String(error) }),
          );
        }),
      ),
  };
}

/** @throws SettingError: alerts are to go where no setting says where that is */
export function assertAlertTarget({ values }: Config): void {
  const target = values['alert-webhook'];
  if (target !== null && !values.webhooks.some((one) => one.startsWith(`${target}=`)))
    throw new SettingError(`CLOUDSTORE_ALERT_WEBHOOK names ${target}, which is not one of CLOUDSTORE_WEBHOOKS.`);
  if ((values['smtp-url'] === null) !== (values['alert-mail'] === null))
    throw new SettingError(
      'CLOUDSTORE_SMTP_URL and CLOUDSTORE_ALERT_MAIL go together: one says by which server, the other to whom.',
    );
}

export function alertJson({ told: _, raised, cleared, ...alert }: Alert) {
  const time = (ms: number): string => new Date(ms).toISOString();
  return { ...alert, title: ALERT_TITLES[alert.kind], raised: time(raised), cleared: cleared === null ? null : time(cleared) };
}

function mailChannel(url: string, to: string, from: string): AlertChannel {
  return {
    name: 'mail',
    async send(alert) {
      const { default: nodemailer } = await import('nodemailer'); // only loaded where there is something to tell
      const transport = nodemailer.createTransport(url, { from });
      transport.set('connectionTimeout', MAIL_MS_MAX);
      const { title, raised, text, subject } = alertJson(alert);
      try {
        await transport.sendMail({
          to,
          subject: `CloudStore: ${title}`,
          text: `${text}\n\n${subject}, ${raised}\n`,
          messageId: `<cloudstore-alert-${alert.id}-${alert.raised}@${from.split('@').at(-1)?.replace(/>$/, '') ?? 'localhost'}>`,
        });
      } catch (cause) {
        throw new CloudStoreError(
          'unavailable',
          `The mail server did not take the message: ${cause instanceof Error ? cause.message : cause}`,
          { cause },
        );
      } finally {
        transport.close();
      }
    },
  };
}
