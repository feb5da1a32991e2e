/** name, method, level, query literals (`acl`, `list-type=2`), status, input and output shape (empty: none). */
export type ModelOperation = readonly [
  name: string,
  method: string,
  level: 'service' | 'bucket' | 'object',
  literals: readonly string[],
  status: number,
  input: string,
  output: string,
];

/** Members in AWS's order, and the element's name where it is not the shape's. */
export type ModelShape = readonly [members: readonly ModelMember[], xmlName?: string];

export type ModelMember = readonly [name: string, type: ModelType, traits: ModelTraits];

/** A list names its items' element, used unless it is flattened. */
export type ModelType = string | readonly ['struct', string] | readonly ['list', ModelType, string];

export interface ModelTraits {
  required?: 1;
  /** Bound to the path. */
  label?: 1;
  /** Bound to this query parameter, this header (lower case), all headers of this prefix, or the whole body. */
  query?: string;
  header?: string;
  prefix?: string;
  payload?: 1;
  xmlName?: string;
  flat?: 1;
  attribute?: 1;
}
