import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BoxShell, startBoxShell } from '../box-shell.fixture.ts';

describe('the stages as commands', () => {
  let box: BoxShell;
  beforeAll(async () => {
    box = await startBoxShell('stages');
  });
  afterAll(() => box[Symbol.asyncDispose]());

  const shell = (script: string) => box.run(script);

  it('run a container in one row of pipes, with its output and its status', async () => {
    const { code, stdout } = await shell(
      "box fetch host:sh | box manifest | box apply --to my_pod | box isolate -- sh -c 'echo out; exit 5' | box launch",
    );
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'out\n' });
  });

  it('take files, and give the container the standard input that is free then', async () => {
    const { stdout } = await shell(
      `box fetch host:sh,cat > f && box manifest f > m && box apply --name kept m > a && box isolate --file a -- cat > i &&
      echo through | box launch --rm -i i`,
    );
    expect(stdout).toBe('through\n');
  });

  it('end with 125 and the field when a plan was spoiled on the way', async () => {
    const { code, stderr } = await shell(
      `box fetch host:sh | box manifest | box apply --to other | box isolate -- sh | sed 's/"argv"/"argw"/' | box launch`,
    );
    expect(code).toBe(125);
    expect(stderr).toContain('bundle.process.argv');
  });

  it('print the whole plan and start nothing', async () => {
    const { stdout } = await shell('box run --plan host:sh -- sh -c :');
    expect(stdout).toMatch(/^# container [^]*\n# process: "sh" "-c" ":"\n[^]*\nmount\([^]*# /);
    const { stdout: json } = await shell('box run --plan --json host:sh -- sh -c : 2> events');
    expect(JSON.parse(json)).toMatchObject({ stage: 'isolate', plan: { command: ['sh', '-c', ':'] } });
  });
});
