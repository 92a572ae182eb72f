import { afterAll, beforeAll, expect, it } from 'vitest';
import { isBoxError } from '@boxkit/contracts';
import {
  buildImage,
  buildLayer,
  randomUploadFaults,
  startFaultyRegistry,
  startRegistry,
  temporaryDirectory,
  type Registry,
} from '@boxkit/testkit';
import { pull } from '../../pull.fixture.ts';
import { findTester, noise, tester } from '../tester.fixture.ts';
import { push } from './push.fixture.ts';

const image = buildImage({
  layers: ['a', 'b', 'c'].map((name) => buildLayer([{ path: name, content: noise(96_000, name) }])),
});
const { username, password } = tester;
const findCredential = findTester;

let registry: Registry;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  registry = resources.use(await startRegistry());
});
afterAll(() => resources.disposeAsync());

// Ten scripts share one proxy, and have a repository each of their own.
it.concurrent.each(Array.from({ length: 10 }, (_, group) => group * 10))(
  'upload fault scripts %i and the nine after it',
  { timeout: 300_000 },
  async (first) => {
    await using faulty = await startFaultyRegistry({
      upstream: registry.url,
      auth: { username, password, usesPerToken: 5 },
    });
    for (let seed = first; seed < first + 10; seed++) {
      await faulty.setScript(randomUploadFaults(seed, { blobSize: 96_000 }));
      const options = { findCredential, partSize: 30_000, idleTimeout: 200 };
      const failure = await push(image, `${faulty.host}/seed/n${seed}:1`, {
        ...options,
        retry: { attempts: 3, baseDelay: 2, maxDelay: 10, maxRetryAfter: 2000 },
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
      await faulty.setScript([]);
      // oxlint-disable-next-line vitest/valid-expect -- the seed is all that a failure needs to be seen again
      expect(failure === undefined || isBoxError(failure), `seed ${seed}: ${String(failure)}`).toBe(true);
      expect(JSON.stringify(failure) ?? '').not.toContain(password);
      // A push that failed has moved no tag, or its last answer was lost; one that ended well is whole.
      const pulled = await pulledFrom(`${registry.host}/seed/n${seed}:1`);
      // oxlint-disable-next-line vitest/valid-expect -- as above
      expect(pulled, `seed ${seed}: ${String(failure)}`).toBeOneOf(
        failure === undefined ? [image.descriptor.digest] : ['ERR_BOX_IMAGE_NOT_FOUND', image.descriptor.digest],
      );
      await push(image, `${faulty.host}/seed/n${seed}:1`, { findCredential });
      expect(await pulledFrom(`${registry.host}/seed/n${seed}:1`)).toBe(image.descriptor.digest);
    }
    const requests = await faulty.requests();
    expect(requests.filter(({ origin, headers }) => origin === 'storage' && 'authorization' in headers)).toEqual([]);
    expect(
      requests.filter(
        // A realm that redirects within its own origin is given the credential there, too.
        ({ kind, path, headers }) =>
          kind !== 'token' && !path.startsWith('/__loop/') && headers['authorization']?.startsWith('Basic') === true,
      ),
    ).toEqual([]);
  },
);

async function pulledFrom(reference: string): Promise<string> {
  await using home = await temporaryDirectory('pushed');
  try {
    return (await pull(home.path, reference)).image.root.digest;
  } catch (error) {
    if (isBoxError(error)) return error.code;
    throw error;
  }
}
