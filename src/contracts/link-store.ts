import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Link, LinkId, LinkTerms } from '#core/link';
import type { PrincipalId } from '#core/principal';

/** Rows of share links. Nothing here authorizes. Each change but a count publishes `links` with the link's id. */
export interface LinkStore {
  create(link: NewLinkRow): Promise<LinkRecord>;
  find(id: LinkId): Promise<LinkRecord | null>;
  /** By SHA-256 of the token, which is kept sealed only. */
  findByToken(tokenHash: Buffer): Promise<LinkRecord | null>;
  /** Of one maker, or at and below a place, or all; by id. None to what is in a removed bucket. */
  list(filter: { maker?: PrincipalId; bucket?: BucketId; prefix?: ObjectKey }): Promise<LinkRecord[]>;
  /** @throws not_found */
  update(id: LinkId, patch: Partial<LinkTerms> & { passwordHash?: string | null }): Promise<LinkRecord>;
  /** @throws not_found */
  remove(id: LinkId): Promise<void>;
  /** Counts one download if the limit lets it: decided in the database, so that a hundred at once are a hundred. */
  countDownload(id: LinkId): Promise<boolean>;
  /**
   * Takes room for files to come if the limits let it: bytes and files that `keepRoom` says have come (or are written down elsewhere), or `giveBack` returns when
   * nothing came of them. What a gateway that died had in between goes back by `ExpiryStore.rooms`.
   */
  takeRoom(id: LinkId, bytes: number, files: number): Promise<boolean>;
  keepRoom(id: LinkId, bytes: number, files: number): Promise<void>;
  giveBack(id: LinkId, bytes: number, files: number): Promise<void>;
}

export interface NewLinkRow extends LinkTerms {
  maker: PrincipalId;
  at: Address;
  tokenHash: Buffer;
  /** Sealed by the keyring, for its maker to see it again. */
  sealedToken: Buffer;
  passwordHash: string | null;
}

export interface LinkRecord extends Link {
  passwordHash: string | null;
  tokenHash: Buffer;
  sealedToken: Buffer;
}
