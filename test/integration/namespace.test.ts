import { describeNamespace } from '../conformance/namespace.ts';
import { describeUploads } from '../conformance/uploads.ts';
import { onDisk } from '../support/disk-storage.ts';
import { openRooms } from '../support/rooms.ts';

describeNamespace('the engine on disk', () => openRooms(onDisk));
describeUploads('the engine on disk', () => openRooms(onDisk));
