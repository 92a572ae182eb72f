import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BoxShell, startBoxShell } from '../box-shell.fixture.ts';

describe('box explain, and the commands that look in', () => {
  let box: BoxShell;
  beforeAll(async () => {
    box = await startBoxShell('explaining');
  });
  afterAll(() => box[Symbol.asyncDispose]());

  const shell = (script: string) => box.run(script);

  it('explain an error, and refuse one that there is not', async () => {
    expect((await shell('box explain ERR_BOX_DIGEST_MISMATCH')).stdout).toMatch(
      /^ERR_BOX_DIGEST_MISMATCH\n\nThe bytes/,
    );
    expect(await shell('box explain ERR_BOX_NONE')).toMatchObject({ code: 2, stdout: '' });
    expect(await shell('box explain --script ERR_BOX_USAGE')).toMatchObject({ code: 2, stdout: '' });
  });

  it('explain an image and a run, and write a script that does it', async () => {
    expect((await shell('box explain host:sh -- sh -c :')).stdout).toContain('1. Fetch host:sh');
    expect((await shell('box run --explain --network none host:sh true')).stdout).toContain(
      'none but a loopback device',
    );
    const script = "box explain --script host:sh,cat -- sh -c 'echo by hand' > s.sh && sh s.sh tree";
    expect(await shell(script)).toMatchObject({ code: 0, stdout: 'by hand\n' });
  });

  it('answer in text and in JSON', async () => {
    for (const command of ['layers', 'history', 'du', 'find', 'tree', 'ls']) {
      const { code, stdout } = await shell(`box ${command} --json host:sh`);
      expect({ command, code, list: Array.isArray(JSON.parse(stdout)) }).toEqual({ command, code: 0, list: true });
      expect((await shell(`box ${command} host:sh`)).code).toBe(0);
    }
    expect((await shell('box why host:sh /bin')).stdout).toMatch(/^\/usr\/bin\n|^\/bin\n/);
    expect(await shell('box why host:sh /nowhere')).toMatchObject({ code: 1, stdout: '' });
    expect((await shell('box diff host:sh host:sh,cat')).stdout).toMatch(/^A .*\/cat$/m);
  });
});
