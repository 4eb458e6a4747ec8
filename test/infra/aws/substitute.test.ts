/** References in a text: shorter, and the same text. */
import { App, Fn, Stack, Token } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { expect, it } from 'vitest'
import { substituted } from '../../../infra/aws/lib/substitute.ts'

const stack = new Stack(new App({ analyticsReporting: false }), 'audit')
const bucket = new Bucket(stack, 'Bucket')
const short = (text: string): unknown => stack.resolve(substituted(stack, text))

it('holds references and attributes, and what looks like one stays text', () => {
  const id = stack.getLogicalId(bucket.node.defaultChild as never)
  const text = stack.toJsonString({
    name: bucket.bucketName,
    arn: bucket.bucketArn,
    region: stack.region,
    shell: ['$', '{HOME}'].join(''),
  })
  expect(short(text)).toEqual({
    'Fn::Sub': `{"name":"\${${id}}","arn":"\${${id}.Arn}","region":"\${AWS::Region}","shell":"\${!HOME}"}`,
  })
})

it('leaves a text without references, and one with another function, as it is', () => {
  expect(short('{"a":1}')).toBe('{"a":1}')
  const other = `x${Token.asString(Fn.select(0, Fn.split(',', bucket.bucketName)))}y`
  expect(short(other)).toEqual(stack.resolve(other))
})
