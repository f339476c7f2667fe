// The program of both workers where they are bundled: which it is says what it is started with.
import { workerData } from 'node:worker_threads'

void ((workerData as { role?: string }).role === 'shipper'
  ? import('./ship/worker.ts')
  : import('./worker.ts'))
