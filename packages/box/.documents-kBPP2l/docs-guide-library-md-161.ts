import { createBox, isBoxError } from '@boxkit/box';

await using box = await createBox();
try {
  await box.run('host:no-such-program');
} catch (error) {
  if (!isBoxError(error, 'ERR_BOX_HOST_PROGRAM')) throw error;
  console.log(`${error.message} (${error.hint ?? 'no hint'})`);
}
