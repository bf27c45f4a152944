import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, ISecret, IService } from 'kubernetes-models/v1';
import { parse } from 'yaml';
import { Environment } from '../../src/config/environment';
import { readConfig } from '../../src/config/read-config';
import { fileVariable, settingsOf } from '../../src/config/setting';

const ROOT = join(__dirname, '../..');
const MANIFESTS = join(ROOT, 'deploy/kubernetes');
/** Time that a pod needs beside the drain, for the signal to arrive and the process to exit. */
const GRACE_MARGIN_MS = 5_000;

interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly newTag: string }[];
}

/** The content of a manifest. The first test checks that it has this type. */
function read<T>(file: string): T {
  return parse(readFileSync(join(MANIFESTS, file), 'utf8')) as T;
}

function defined<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('a part of the manifest is missing');
  return value;
}

const deployment = () => read<IDeployment>('deployment.yaml');
const kustomization = () => read<Kustomization>('kustomization.yaml');
const podSpec = () => defined(deployment().spec?.template.spec);
const container = () => defined(podSpec().containers[0]);
const settings = () => defined(read<IConfigMap>('config-map.yaml').data);

function check(folder: string) {
  const script = join(ROOT, 'scripts/check-kubernetes.mjs');
  return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
}

describe('the Kubernetes manifests', () => {
  it('are as the schemas of Kubernetes want them, without unknown fields', () => {
    const { stdout, stderr, status } = check(MANIFESTS);
    expect(stderr).toBe('');
    expect(stdout).toBe('5 manifests checked, 0 faults\n');
    expect(status).toBe(0);
  });

  it.each([
    ['a misspelled field', 'livenessProbe:', 'livenesProbe:', 'livenesProbe'],
    ['a value of the wrong type', 'replicas: 2', 'replicas: two', 'replicas must be integer'],
    ['an unknown kind', 'kind: Deployment', 'kind: Deploiment', 'no kind Deploiment in apps/v1'],
    ['broken YAML', 'spec:', 'spec: [', 'deployment.yaml: '],
  ])('would not pass with %s', (_, right, wrong, fault) => {
    const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
    try {
      cpSync(MANIFESTS, folder, { recursive: true });
      const file = join(folder, 'deployment.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace(right, wrong));
      expect(check(folder)).toMatchObject({ status: 1, stderr: expect.stringContaining(fault) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are all applied by the kustomization, except the example of the secret', () => {
    const files = readdirSync(MANIFESTS).filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml');
    expect(kustomization().resources.toSorted()).toEqual(
      files.filter((file) => !file.includes('.example.')).toSorted(),
    );
  });

  it('select the pods of the deployment', () => {
    const labels = defined(deployment().spec?.template.metadata?.labels);
    const budget = read<IPodDisruptionBudget>('pod-disruption-budget.yaml').spec;
    const spread = podSpec().topologySpreadConstraints ?? [];
    expect(labels).toMatchObject(defined(deployment().spec?.selector.matchLabels));
    expect(labels).toMatchObject(defined(read<IService>('service.yaml').spec?.selector));
    expect(labels).toMatchObject(defined(budget?.selector?.matchLabels));
    expect(spread.map(({ topologyKey }) => topologyKey)).toContain('kubernetes.io/hostname');
    for (const { labelSelector } of spread) expect(labels).toMatchObject(defined(labelSelector?.matchLabels));
    expect(budget?.maxUnavailable).toBe(1);
  });
});

describe('a pod', () => {
  it('has time for the whole drain, with a margin', () => {
    const shutdownMs = Number(settings()['SHUTDOWN_TIMEOUT_MS']);
    expect(shutdownMs).toBeGreaterThan(0);
    expect(defined(podSpec().terminationGracePeriodSeconds) * 1_000).toBeGreaterThanOrEqual(
      shutdownMs + GRACE_MARGIN_MS,
    );
  });

  it('has each probe on its path, on the port of the settings', () => {
    const { startupProbe, livenessProbe, readinessProbe, ports } = container();
    expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet?.path)).toEqual([
      '/startupz',
      '/livez',
      '/readyz',
    ]);
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      expect(probe?.httpGet?.port).toBe('http');
      expect(defined(probe?.timeoutSeconds)).toBeLessThanOrEqual(defined(probe?.periodSeconds));
    }
    expect(ports).toEqual([{ name: 'http', containerPort: Number(settings()['HTTP_PORT']) }]);
  });

  it('has nothing for an intruder: no root, no writable files, no capabilities, no token', () => {
    expect(podSpec()).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('runs the same version of the image with kubectl and kustomize', () => {
    const [, tag] = defined(container().image).split(/:(?=[^/]*$)/);
    expect(tag).toMatch(/^\d+\.\d+\.\d+$/);
    expect(kustomization().images.map(({ newTag }) => newTag)).toEqual([tag]);
  });

  it('requests memory and CPU, but has a limit for memory only', () => {
    expect(container().resources).toEqual({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { memory: '512Mi' },
    });
  });

  it('is replaced only once its successor is ready', () => {
    expect(deployment().spec?.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
  });
});

describe('the settings of a pod', () => {
  const variables = () => [...Object.keys(settings()), ...(container().env ?? []).map(({ name }) => name)];

  it('are variables that the service knows', () => {
    const known = settingsOf(Environment).flatMap(({ variable, carrier }) =>
      carrier === 'secret' ? [variable, fileVariable(variable)] : [variable],
    );
    expect(variables().filter((name) => !known.includes(name))).toEqual([]);
  });

  it('contain no secret', () => {
    const secrets = settingsOf(Environment).filter(({ carrier }) => carrier === 'secret');
    expect(variables().filter((name) => secrets.some(({ variable }) => variable === name))).toEqual([]);
  });

  it('come from the config map, the pod and the files of the secret', () => {
    const { env, envFrom, volumeMounts } = container();
    const keyFile = defined(env?.find(({ name }) => name === 'MESSAGES_API_KEY_FILE')?.value);
    const secret = read<ISecret>('secret.example.yaml');
    const mount = defined(volumeMounts?.find(({ mountPath }) => keyFile.startsWith(`${mountPath}/`)));
    const volume = defined(podSpec().volumes?.find(({ name }) => name === mount.name));

    expect(envFrom).toEqual([{ configMapRef: { name: read<IConfigMap>('config-map.yaml').metadata?.name } }]);
    expect(env?.find(({ name }) => name === 'REPLICA_ID')?.valueFrom?.fieldRef?.fieldPath).toBe('metadata.name');
    expect(mount.readOnly).toBe(true);
    expect(volume.secret?.secretName).toBe(secret.metadata?.name);
    expect(Object.keys(defined(secret.stringData))).toContain(keyFile.slice(mount.mountPath.length + 1));
  });

  it('are a valid configuration', () => {
    const env = { ...settings(), REPLICA_ID: 'messages-dispatcher-0', MESSAGES_API_KEY: 'change-me' };
    expect(readConfig(env)).toMatchObject({ ok: true });
  });
});
