import { explainError, formatExplanation, scriptBackends, scriptSources } from '@boxkit/box';
import type { ScriptBackend, ScriptSource } from '@boxkit/box';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { readLookOptions, lookOptions } from '../look/open.ts';
import { escapeControls } from '../output/escape.ts';
import { toJson } from '../output/json.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'tell what box would do, and why; or what an error means',
  description: `Of an image: which files it is made of, what each layer adds and deletes, and every step between the host and the command,
with its reason. With --script, a commented shell script that does it all by hand, without box. Of an error's code: what it
means and what to do. Starts nothing. \`box run --explain\` takes the options of a run.`,
  options: {
    script: { type: 'flag', summary: 'write a shell script instead: sh SCRIPT DIRECTORY [unpack]' },
    backend: {
      type: 'value',
      placeholder: 'BACKEND',
      choices: scriptBackends,
      summary: 'what the script starts the command with: unshare, bubblewrap or chroot',
    },
    from: {
      type: 'value',
      placeholder: 'PLACE',
      choices: scriptSources,
      summary: 'where the script has the blobs from: store (the default), or registry, by curl',
    },
    ...lookOptions,
  },
  operands: { usage: 'REF|ERR_BOX_... [--] [ARG...]', min: 1, max: Infinity, endOptions: true },
  eventsTo: 'stderr',
  examples: [
    { line: 'box explain alpine -- ls /', what: 'in words' },
    { line: 'box explain --script alpine -- ls / > by-hand.sh; sh by-hand.sh my_pod', what: 'by hand' },
    { line: 'box explain --script --from registry alpine > by-hand.sh', what: 'and for a machine without this store' },
    { line: 'box explain ERR_BOX_DIGEST_MISMATCH', what: 'what it means and what to do' },
  ],
  async run(invocation) {
    const { values, operands, global, write, openBox, renderer } = invocation;
    const [subject = '', ...rest] = operands;
    if (values.backend !== undefined && !values.script) throw usage('--backend is for --script');
    if (values.from !== undefined && !values.script) throw usage('--from is for --script');
    if (/^ERR_[A-Z0-9_]+$/.test(subject)) {
      if (values.script || rest.length > 0) throw usage('the code of an error stands alone');
      const explained = explainError(subject);
      if (explained === undefined) throw usage(`there is no error ${subject}`, 'docs/reference/errors.md lists them.');
      write(global.json ? `${toJson(explained, 2)}\n` : `${explained.code}\n\n${explained.text}\n`);
      return 0;
    }
    const args = rest[0] === '--' ? rest.slice(1) : rest;
    const how = { ...readLookOptions(invocation), ...(args.length === 0 ? {} : { args }) };
    const box = await openBox();
    if (values.script) {
      const backend = values.backend as ScriptBackend | undefined;
      const from = values.from as ScriptSource | undefined;
      const script = await box.script(subject, { ...how, ...(backend && { backend }), ...(from && { from }) });
      renderer.clear();
      write(global.json ? `${toJson({ script }, 2)}\n` : script);
      return 0;
    }
    const explanation = await box.explain(subject, how);
    renderer.clear();
    const words = escapeControls(formatExplanation(explanation), { keepNewlines: true });
    write(global.json ? `${toJson(explanation, 2)}\n` : words);
    return 0;
  },
});
