import { isolate } from '@boxkit/isolator';
import { launch } from '@boxkit/launcher';
import { attackProgram, grantedIdMap } from '@boxkit/linux';
import { isolatorSuite } from '@boxkit/testkit';
import { bubblewrapIsolator } from './isolator.ts';

isolatorSuite({
  isolator: bubblewrapIsolator(),
  isolate,
  launch,
  attack: attackProgram,
  idMap: grantedIdMap,
  file: import.meta.url,
});
