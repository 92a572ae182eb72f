import { isolate } from '@boxkit/isolator';
import { launch } from '@boxkit/launcher';
import { attackProgram, grantedIdMap } from '@boxkit/linux';
import { isolatorSuite } from '@boxkit/testkit';
import { directIsolator } from './index.ts';

isolatorSuite({ isolator: directIsolator(), isolate, launch, attack: attackProgram, idMap: grantedIdMap });
