/** The one writer of metadata blobs, by the name under which tests look for it. */
export { codecOf, deflated, envelope, reseal, rewrite, seal } from '../../infra/local/generate/envelope.ts'
