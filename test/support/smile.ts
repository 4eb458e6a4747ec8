/** The one encoder of SMILE, by the name under which tests look for it. */
export { type EncoderOptions, encodeSmile } from '../../infra/local/generate/smile.ts'
