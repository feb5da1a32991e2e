import type { BucketId } from '#core/address';
import { requestText } from '../journal.ts';
import type { RowWriter } from '../row-set.ts';
import type { ChangedVersion, ChunkRow, DirectoryChange, HeadChange, JournalRow, SlotChange, VersionRow } from './plan.ts';

/** What writes a row each of the composite types of cs_commit (migrations/0027-commit-rows.ts, 0047-fewer-statements.ts), column by column. */

export function head(out: RowWriter, [bucket, row]: [BucketId, HeadChange]): void {
  out.int4(bucket);
  out.int8(row.r);
  out.int8(row.q);
  out.int4(row.n);
  out.int8(row.o);
  out.int8(row.z);
  out.int8(row.hn);
  out.int8(row.hz);
}

export function slot(out: RowWriter, { bucket, key, state, before }: SlotChange): void {
  out.int8(state.id);
  out.int4(bucket);
  out.text(key);
  out.hex(before?.versionId ?? null);
  out.bool(state.live);
  out.hex(state.versionId);
  out.text(state.visibility);
  out.bool(state.deleteMarker);
  out.int8(state.nodeId);
  out.int8(state.size);
  out.text(state.etag);
  out.int8(state.modified);
  out.int8(state.mtime);
  out.int8(state.created);
  out.jsonb(state.attributes);
  out.jsonb(state.properties);
}

export function version(out: RowWriter, row: VersionRow): void {
  out.hex(row.v);
  out.int8(row.i);
  out.int8(row.q);
  out.int8(row.n);
  out.text(row.s);
  out.bool(row.d);
  out.int8(row.z);
  out.text(row.e);
  out.int8(row.m);
  out.int8(row.t);
  out.int8(row.c);
  out.jsonb(row.a);
  out.jsonb(row.g);
  out.bytea(row.r);
  out.bytea(row.h);
  out.int8(row.u);
  out.text(row.rm);
  out.int8(row.ru);
  out.bool(row.lh);
}

export function changedVersion(out: RowWriter, row: ChangedVersion): void {
  out.hex(row.v);
  out.text(row.s ?? null);
  out.int8(row.u ?? null);
  out.int8(row.t ?? null);
}

export function folder(out: RowWriter, row: DirectoryChange): void {
  out.int4(row.b);
  out.text(row.k);
  out.int8(row.z);
}

export function journal(out: RowWriter, row: JournalRow): void {
  const { who, cause } = row;
  out.int4(row.b);
  out.int8(row.q);
  out.text(row.w);
  out.text(row.k);
  out.hex(row.v);
  out.int8(row.z);
  out.text(row.e);
  out.int4(who.principal?.id ?? null);
  out.text(who.protocol);
  out.text(requestText(who.requestId, cause));
}

export function used(out: RowWriter, [principal, { z, o }]: [number, { z: number; o: number }]): void {
  out.int4(principal);
  out.int8(z);
  out.int8(o);
}

export function chunk(out: RowWriter, { domain, record }: ChunkRow): void {
  out.int4(domain);
  out.bytea(record.id);
  out.int4(record.size);
  out.int4(record.store);
  out.hex(record.pack);
  out.int8(record.offset);
  out.int4(record.length);
}
