/** Where the machines of Batch stand: a network of our own or a given one, always with a gateway endpoint for S3. */
import { Tags } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'

export interface NetworkProps {
  readonly vpc?: ec2.IVpc
  readonly subnets?: ec2.SubnetSelection
  readonly hasS3Endpoint?: boolean
}

export class AuditNetwork extends Construct {
  readonly vpc: ec2.IVpc
  readonly subnets: ec2.SubnetSelection
  readonly securityGroup: ec2.SecurityGroup
  /** Machines in public subnets reach image registry and CloudWatch by an address of their own. */
  readonly publicAddress: boolean

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id)
    const own = props.vpc === undefined
    this.vpc = props.vpc ?? ownVpc(this)
    this.publicAddress = own
    this.subnets = props.subnets ?? { subnetType: own ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS }
    // Terabytes through a NAT or an interface endpoint would cost more than all the rest.
    if (props.hasS3Endpoint !== true) {
      this.vpc.addGatewayEndpoint('SnapproofS3', {
        service: ec2.GatewayVpcEndpointAwsService.S3,
        subnets: [this.subnets],
      })
    }
    this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Snapproof: nothing in, HTTPS out',
      allowAllOutbound: false,
    })
    this.securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'S3, CloudWatch, image registry')
  }
}

function ownVpc(scope: Construct): ec2.IVpc {
  const vpc = new ec2.Vpc(scope, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC, mapPublicIpOnLaunch: true }],
  })
  // Instead of their path in the app, which is longer and says less.
  Tags.of(vpc).add('Name', 'snapproof', { priority: 300 })
  // The declarations of CDK are not written for `exactOptionalPropertyTypes`.
  return vpc as ec2.IVpc
}
