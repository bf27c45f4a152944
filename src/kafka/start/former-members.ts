import { createCluster } from '../kafkajs-patches/internal-cluster';
import type { Log } from '../../observability/log';
import type { SharedClient } from '../client/shared-client';

interface Replica {
  readonly clientId: string;
  readonly groupIds: readonly string[];
  readonly log: Log;
}

/**
 * Removes members from their groups that this replica left there when it died. Otherwise Kafka would keep their
 * partitions for a session timeout, and let nobody join before that is over: a replica in a crash loop would stop all
 * others too.
 *
 * They are known by their client id. It ends in `REPLICA_ID`, which is unique among live replicas and the same after a
 * restart. Must be called once at the start of a process, before its own consumers join. If Kafka fails, the members
 * stay until their session timeout.
 *
 * @returns whether other replicas go on with the former members' partitions
 */
export async function removeFormerMembers(client: SharedClient, replica: Replica): Promise<boolean> {
  try {
    return await remove(client, replica);
  } catch (error) {
    replica.log('warn', 'former members stay in their groups until their sessions end', { error });
    return false;
  }
}

async function remove({ kafka, admin }: SharedClient, { clientId, groupIds, log }: Replica): Promise<boolean> {
  const { groups } = await admin.describeGroups([...groupIds]);
  const isFormer = (member: { readonly clientId: string }): boolean => member.clientId === clientId;
  const left = groups.filter(({ members }) => members.some(isFormer));
  if (left.length === 0) return false;
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    await Promise.all(
      left.flatMap(({ groupId, members }) =>
        members.filter(isFormer).map(async ({ memberId }) => {
          const coordinator = await cluster.findGroupCoordinator({ groupId });
          await coordinator.leaveGroup({ groupId, memberId });
          log('info', 'a former member of this replica was taken out of its group', { groupId });
        }),
      ),
    );
  } finally {
    await cluster.disconnect();
  }
  return left.some(({ members }) => !members.every(isFormer));
}
