/**
 * JSON as a stream of events, with the grammar checked: constant memory for documents of any length.
 * The tokens are @streamparser/json's; this adds order, nesting, duplicate ends and the place of every error.
 */
import { Tokenizer, TokenType } from '@streamparser/json'
import { DecodeError } from './decode-error.ts'

export type JsonScalar = string | number | boolean | null

/** Called in document order. `key` is null inside arrays and for the root. Offsets are bytes from the start. */
export interface JsonSink {
  open(kind: 'object' | 'array', key: string | null, offset: number): void
  close(kind: 'object' | 'array'): void
  scalar(value: JsonScalar, key: string | null, offset: number): void
}

type Expecting = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing'
const maxDepth = 100

/** Push chunks, then `end`; both throw `DecodeError`, and the sink's own errors as they are. */
export class JsonEvents {
  private readonly sink: JsonSink
  private readonly tokenizer = new Tokenizer()
  private readonly nesting: boolean[] = []
  private expecting: Expecting = 'value'
  private key: string | null = null
  /** Where the last whole token began. */
  private offset = 0
  private read = 0

  constructor(sink: JsonSink) {
    this.sink = sink
    this.tokenizer.onToken = ({ token, value, offset }) => this.token(token, value as JsonScalar, offset)
    this.tokenizer.onError = error => {
      throw error instanceof DecodeError
        ? error
        : new DecodeError('bad-token', this.offset, `not JSON behind byte ${this.offset}: ${error.message}`)
    }
  }

  write(chunk: Buffer): void {
    this.read += chunk.length
    this.tokenizer.write(chunk)
  }

  end(): void {
    if (this.expecting !== 'nothing') throw new DecodeError('truncated', this.read, `it ends after ${this.read} bytes`)
    this.tokenizer.end()
  }

  private token(token: TokenType, value: JsonScalar, offset: number): void {
    this.offset = offset
    const expecting = this.expecting
    switch (token) {
      case TokenType.LEFT_BRACE:
      case TokenType.LEFT_BRACKET: {
        this.allow(expecting === 'value' || expecting === 'value-or-end', value)
        if (this.nesting.length === maxDepth)
          throw new DecodeError('too-deep', offset, `nested deeper than ${maxDepth}`)
        const isObject = token === TokenType.LEFT_BRACE
        const key = this.takeKey()
        this.nesting.push(isObject)
        this.expecting = isObject ? 'key-or-end' : 'value-or-end'
        this.sink.open(isObject ? 'object' : 'array', key, offset)
        return
      }
      case TokenType.RIGHT_BRACE:
      case TokenType.RIGHT_BRACKET: {
        const isObject = token === TokenType.RIGHT_BRACE
        const empty = isObject ? 'key-or-end' : 'value-or-end'
        this.allow((expecting === 'comma-or-end' || expecting === empty) && this.nesting.at(-1) === isObject, value)
        this.nesting.pop()
        this.afterValue()
        this.sink.close(isObject ? 'object' : 'array')
        return
      }
      case TokenType.COLON:
        this.allow(expecting === 'colon', value)
        this.expecting = 'value'
        return
      case TokenType.COMMA:
        this.allow(expecting === 'comma-or-end', value)
        this.expecting = this.nesting.at(-1) === true ? 'key' : 'value'
        return
      default:
        if (expecting === 'key' || expecting === 'key-or-end') {
          this.allow(token === TokenType.STRING, value)
          this.key = value as string
          this.expecting = 'colon'
          return
        }
        this.allow(expecting === 'value' || expecting === 'value-or-end', value)
        this.afterValue()
        this.sink.scalar(value, this.takeKey(), offset)
    }
  }

  private takeKey(): string | null {
    const key = this.key
    this.key = null
    return key
  }

  private afterValue(): void {
    this.expecting = this.nesting.length === 0 ? 'nothing' : 'comma-or-end'
  }

  private allow(condition: boolean, value: JsonScalar): void {
    if (!condition)
      throw new DecodeError('bad-token', this.offset, `not JSON at byte ${this.offset}: ${JSON.stringify(value)} there`)
  }
}
