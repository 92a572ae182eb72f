export { abandonedCgroups } from './abandoned.ts';
export { cgroupObstacle, planCgroups, type CgroupDirectory, type CgroupFiles, type Controller } from './cgroup.ts';
