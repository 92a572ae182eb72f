import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSchema, stageSchemas } from './schemas.ts';
import type { DocumentStage } from './schemas.ts';

const published = join(import.meta.dirname, '../../../../../docs/reference/schemas');

describe('the schemas of the plumbing', () => {
  it.each(Object.keys(stageSchemas) as DocumentStage[])(
    'of %s is what docs/reference/schemas publishes (renewed by vitest -u)',
    async (stage) => {
      const text = `${JSON.stringify(jsonSchema(stage), undefined, 2)}\n`;
      await expect(text).toMatchFileSnapshot(join(published, `${stage}.json`));
    },
  );
});
