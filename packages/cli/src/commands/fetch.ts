import { defineCommand } from '../command.ts';
import { toJson } from '../output/json.ts';
import { platformOption, pullOption } from './shared-options.ts';
import type { PullChoice } from './shared-options.ts';

export const fetch = defineCommand({
  name: 'fetch',
  summary: 'stage 1: a reference becomes blobs; prints what `box manifest` reads',
  description: `Resolves a reference, brings what it needs into the store, and prints its root document's descriptor as JSON
(docs/reference/schemas/fetch.json).`,
  options: { platform: platformOption, pull: pullOption },
  operands: { usage: 'REF', min: 1, max: 1 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box fetch alpine', what: 'where its documents begin' },
    {
      line: 'box fetch alpine | box manifest | box apply --to my_pod | box isolate -- /bin/sh | box launch',
      what: 'all',
    },
  ],
  async run({ values, operands: [reference = ''], signal, openBox, renderer, write }) {
    const box = await openBox();
    const document = await box.plumbing.fetch(reference, {
      signal,
      ...(values.platform === undefined ? {} : { platform: values.platform }),
      ...(values.pull === undefined ? {} : { pull: values.pull as NonNullable<PullChoice> }),
    });
    renderer.clear();
    write(`${toJson(document, 2)}\n`);
    return 0;
  },
});
