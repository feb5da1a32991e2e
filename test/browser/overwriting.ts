import { expect } from 'chai';
import type { Shown } from './scene.ts';

/** What somebody else has changed while a form was open is not undone by it, and the form says so. */
export async function overwriteNothing({ stage, page, show }: Shown): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const state = async (path: string): Promise<Record<string, unknown>> =>
    (await (await stage.api('GET', path)).json()) as Record<string, unknown>;
  const change = async (method: string, path: string, body: object): Promise<void> => {
    const answer = await stage.api(method, path, JSON.stringify(body), json);
    expect(answer.ok, await answer.text()).to.equal(true);
  };
  const dialog = page.getByRole('dialog');
  const refused = async (): Promise<void> => {
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').getByText('Somebody else changed it meanwhile').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  };
  await change('POST', '/buckets', { name: 'of-two' });

  // Nothing was there when it was opened.
  await show('#/admin/buckets/of-two');
  await page.getByRole('button', { name: 'Tags as text' }).click();
  const theirs = { TagSet: [{ Key: 'of', Value: 'theirs' }] };
  await change('PUT', '/buckets/of-two/config/tagging', theirs);
  await dialog.getByRole('textbox').fill('{"TagSet":[{"Key":"of","Value":"mine"}]}');
  await refused();
  expect(await state('/buckets/of-two/config/tagging')).to.deep.equal(theirs);
  await page.reload();
  await page.getByText('theirs').waitFor();
  await page.getByRole('button', { name: 'Change Tags' }).click();
  await change('PUT', '/buckets/of-two/config/tagging', { TagSet: [] });
  await refused();
  expect(await state('/buckets/of-two/config/tagging')).to.deep.equal({ TagSet: [] });

  await page.getByRole('button', { name: 'Change History' }).click();
  await dialog.getByLabel('Days').waitFor();
  await change('PUT', '/buckets/of-two/retention', { days: 9 });
  await dialog.getByLabel('Days').fill('1');
  await refused();
  expect(await state('/buckets/of-two/retention')).to.include({ days: 9 });

  const made = await stage.api('POST', '/links', JSON.stringify({ bucket: 'of-two', key: '', label: 'old' }), json);
  const { id } = (await made.json()) as { id: string };
  await show('#/links');
  await page.locator('.link-row').filter({ hasText: 'of-two' }).getByRole('button', { name: 'Change link' }).click();
  await dialog.getByLabel('Title for visitors').fill('mine');
  await change('PATCH', `/links/${id}`, { label: 'theirs', expires: '2099-01-01T00:00:00.000Z' });
  await refused();
  expect(await state(`/links/${id}`)).to.include({ label: 'theirs' });
  await stage.api('DELETE', '/buckets/of-two');
}
