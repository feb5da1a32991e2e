import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { findings } from './axe.ts';
import { at, type Stage } from './browser.ts';

type Document = Record<string, Record<string, unknown>[]>;

/** The rules of a bucket one by one, by pointer and by keys, beside one that the form does not know and somebody else who changes them. */
export async function ruleBucket({ gateway, api }: Stage, page: Page, webhook: string): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  await api('POST', '/buckets', '{"name":"ruled"}', json);
  const document = async (name: string): Promise<Document> =>
    (await (await api('GET', `/buckets/ruled/config/${name}`)).json()) as Document;
  const dialog = page.getByRole('dialog');
  const save = (): Promise<void> => dialog.getByRole('button', { name: 'Save' }).click();
  const rule = (text: string | RegExp): Locator => page.locator('.rules li').filter({ hasText: text });
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  await page.goto(at(gateway, 'admin/buckets/ruled'));

  await button('Add a rule to Lifecycle').click();
  await dialog.getByLabel('Delete files after days').fill('0');
  await save();
  await dialog.getByText("'Days' for Expiration action must be a positive integer").waitFor();
  await dialog.getByLabel('Delete files after days').fill('30');
  await save();
  await rule('All files: deleted after 30 days.').waitFor();
  await button('Add a rule to Lifecycle').click();
  await dialog.getByLabel('Names begin with').fill('logs/');
  await dialog.getByLabel('Files', { exact: true }).selectOption({ label: 'stay' });
  await dialog.getByLabel('Delete old versions after days').fill('7');
  await dialog.getByLabel('Of these the newest always stay').fill('3');
  await dialog.getByLabel('Choose by tags and size too').check();
  await dialog.getByLabel('Larger than bytes').fill('1000');
  expect(await findings(page, "'.dialog'")).to.deep.equal([]);
  await save();
  const logs = 'old versions deleted after 7 days; the newest 3 old versions stay.';
  await rule(`Files whose names begin with “logs/” and larger than 1,000 bytes: ${logs}`).waitFor();
  await page.getByLabel('Rule 2 of Lifecycle is on').uncheck();
  await rule(logs).getByText('Off').waitFor();
  const [first, second] = (await document('lifecycle')).Rules ?? [];
  expect(first).to.deep.include({ Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } });
  expect(second).to.deep.include({
    Status: 'Disabled',
    Filter: { And: { Prefix: 'logs/', ObjectSizeGreaterThan: 1000 } },
    NoncurrentVersionExpiration: { NoncurrentDays: 7, NewerNoncurrentVersions: 3 },
  });

  // Somebody else adds one, of which the form cannot hold the tag.
  const strange = { ID: 'strange', Status: 'Enabled', Filter: { Tag: { Key: 'a=b', Value: 'c' } }, Expiration: { Days: 9 } };
  const put = async (name: string, body: Document): Promise<void> => {
    const answer = await api('PUT', `/buckets/ruled/config/${name}`, JSON.stringify(body), json);
    expect(answer.ok, await answer.text()).to.equal(true);
  };
  await put('lifecycle', { Rules: [first ?? {}, second ?? {}, strange] });
  await page.getByLabel('Rule 2 of Lifecycle is on').click();
  await page.getByText('Somebody else has changed these rules meanwhile').waitFor();
  await rule(/more than the form knows.*a=b/).waitFor();
  expect((await document('lifecycle')).Rules?.[1]).to.include({ Status: 'Disabled' });
  expect(await page.getByLabel('Rule 2 of Lifecycle is on').isChecked()).to.equal(false);
  expect(await button('Change rule 3 of Lifecycle').count()).to.equal(0);
  await button('Change rule 1 of Lifecycle').click();
  await dialog.getByLabel('Delete files after days').fill('31');
  await save();
  await rule('All files: deleted after 31 days.').waitFor();
  expect((await document('lifecycle')).Rules).to.deep.equal([{ ...first, Expiration: { Days: 31 } }, second, strange]);

  // By keys alone; the focus stays where the rule was.
  await button('More for rule 2 of Lifecycle').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Remove' }).waitFor();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Remove' }).press('Enter');
  await rule(logs).waitFor({ state: 'detached' });
  await page.waitForFunction(
    () => globalThis.document.activeElement?.getAttribute('aria-label') === 'More for rule 2 of Lifecycle',
  );
  expect((await document('lifecycle')).Rules).to.deep.equal([{ ...first, Expiration: { Days: 31 } }, strange]);

  for (const [origin, more] of [
    ['*', []],
    ['https://a.example', ['PUT']],
  ] as const) {
    await button('Add a rule to CORS').click();
    await dialog.getByLabel('Origins').fill(origin);
    const methods = dialog.getByRole('group', { name: 'Methods' });
    await methods.getByLabel('HEAD').uncheck();
    for (const method of more) await methods.getByLabel(method).check();
    await save();
    await dialog.waitFor({ state: 'detached' });
  }
  await rule('Every page: may send GET.').waitFor();
  await button('More for rule 2 of CORS').click();
  await page.getByRole('menuitem', { name: 'Move up' }).click();
  await page.locator('.rules li:first-child').filter({ hasText: 'Pages of https://a.example: may send GET and PUT.' }).waitFor();
  expect((await document('cors')).CORSRules).to.deep.equal([
    { AllowedOrigins: ['https://a.example'], AllowedMethods: ['GET', 'PUT'] },
    { AllowedOrigins: ['*'], AllowedMethods: ['GET'] },
  ]);

  const topic = { TopicArn: `arn:aws:sns:us-east-1:1:${webhook}`, Events: ['s3:ObjectRemoved:*'], Id: 'topic' };
  await put('notification', { TopicConfigurations: [topic] });
  await page.reload();
  await rule(`${webhook} is told of removed files.`).waitFor();
  await button('Add a rule to Notifications').click();
  await dialog.getByLabel('Webhook').fill(webhook);
  const events = dialog.getByRole('group', { name: 'Events' });
  await events.getByLabel('Removed files').uncheck();
  expect(await events.getByLabel('New files and new versions').isChecked()).to.equal(true);
  expect(await findings(page, "'.dialog'")).to.deep.equal([]);
  await dialog.getByLabel('Names end with').fill('.jpg');
  await save();
  await rule(`${webhook} is told of new files, for files whose names end with “.jpg”.`).waitFor();
  const told = await document('notification');
  expect(told.TopicConfigurations).to.deep.equal([topic]);
  expect(told.QueueConfigurations?.[0]).to.deep.include({ Events: ['s3:ObjectCreated:*'] });
  expect(await findings(page, "'.rules'")).to.deep.equal([]);
}
