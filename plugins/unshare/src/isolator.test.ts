import { isolate } from '@boxkit/isolator';
import { launch } from '@boxkit/launcher';
import { attackProgram, grantedIdMap } from '@boxkit/linux';
import { isolatorSuite } from '@boxkit/testkit';
import { unshareIsolator } from './isolator.ts';

isolatorSuite({
  isolator: unshareIsolator(),
  isolate,
  launch,
  attack: attackProgram,
  idMap: grantedIdMap,
  file: import.meta.url,
});
