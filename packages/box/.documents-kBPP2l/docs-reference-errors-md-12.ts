import { isBoxError } from '@boxkit/contracts';

const describe = (error: unknown): string =>
  isBoxError(error, 'ERR_BOX_IMAGE_NOT_FOUND') ? 'no such image' : 'something else';
