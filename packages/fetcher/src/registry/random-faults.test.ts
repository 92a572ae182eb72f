import { afterAll, beforeAll, expect, it } from 'vitest';
import { isBoxError } from '@boxkit/contracts';
import { openStore } from '@boxkit/store';
import {
  buildImage,
  buildLayer,
  pushDocument,
  randomFaults,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type Registry,
} from '@boxkit/testkit';
import { isSound, pullInto } from '../pull.fixture.ts';
import { findTester, noise, tester } from './tester.fixture.ts';

const image = buildImage({
  // The last is long enough to be read past the HTTP parser.
  layers: [96_000, 96_000, 1_200_000].map((size, at) => buildLayer([{ path: 'a', content: noise(size, `${at}`) }])),
});
const { username, password } = tester;
const findCredential = findTester;

let registry: Registry;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
  await pushDocument(registry, 'some/app', image, '1');
});
afterAll(() => resources.disposeAsync());

// Ten scripts share one proxy and one pull each of their own; all 200 in a minute.
it.concurrent.each(Array.from({ length: 20 }, (_, group) => group * 10))(
  'fault scripts %i and the nine after it',
  { timeout: 300_000 },
  async (first) => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: { username, password, usesPerToken: 4 },
    });
    for (let seed = first; seed < first + 10; seed++) {
      await using home = await temporaryDirectory('random');
      await using store = await openStore({ home: home.path });
      await faulty.setScript(randomFaults(seed, { blobSize: 96_000 }));
      const failure = await pullInto(store, `${faulty.host}/some/app:1`, {
        findCredential,
        idleTimeout: 200,
        retry: { attempts: 3, baseDelay: 2, maxDelay: 10, maxRetryAfter: 2000 },
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
      // oxlint-disable-next-line vitest/valid-expect -- the seed is all that a failure needs to be seen again
      expect(failure === undefined || isBoxError(failure), `seed ${seed}: ${String(failure)}`).toBe(true);
      expect(await isSound(store)).toBe(true);
      expect(JSON.stringify(failure) ?? '').not.toContain(password);
      await faulty.setScript([]);
      const { image: pulled } = await pullInto(store, `${faulty.host}/some/app:1`, { findCredential });
      expect(pulled.manifest.digest).toBe(image.descriptor.digest);
      expect(await isSound(store)).toBe(true);
    }
    const requests = await faulty.requests();
    expect(requests.filter((request) => request.origin === 'storage' && 'authorization' in request.headers)).toEqual(
      [],
    );
    expect(
      requests.filter(
        // A realm that redirects within its own origin is given the credential there, too.
        ({ kind, path, headers }) =>
          kind !== 'token' && !path.startsWith('/__loop/') && headers['authorization']?.startsWith('Basic') === true,
      ),
    ).toEqual([]);
  },
);
