import { isolate } from '@boxkit/isolator';
import { launch } from '@boxkit/launcher';
import { attackProgram, grantedIdMap } from '@boxkit/linux';
import { isolatorSuite } from '@boxkit/testkit';
import { chrootIsolator } from './isolator.ts';

isolatorSuite({ isolator: chrootIsolator(), isolate, launch, attack: attackProgram, idMap: grantedIdMap });
