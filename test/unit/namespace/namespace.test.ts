import { describeAccess } from '../../conformance/access.ts';
import { describeNamespace } from '../../conformance/namespace.ts';
import { describeUploads } from '../../conformance/uploads.ts';
import { openRooms } from '../../support/rooms.ts';

describeNamespace('content in memory', () => openRooms());
describeUploads('content in memory', () => openRooms());
describeAccess('content in memory', () => openRooms());
