export * from './api.ts';
export { type CallOptions, type Client, type ClientOptions, createClient, type OperationName } from './client.ts';
export type { EventStream, EventStreamOptions, ServerMessage, Subscription, TraceEntry } from './events.ts';
export { ApiError } from './problem.ts';
export { type OpenReading, type Reading, readingBy, type Sha256 } from './reading.ts';
export type { TokenPair } from './session.ts';
export type { Upload, UploadOptions, UploadProgress } from './upload.ts';
