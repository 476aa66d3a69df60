// CPU groups of a story, in either layout: version 2 where its tree has the cpu controller, else version 1.
#pragma once
#include "../workload.h"

struct cgroup { char path[256]; char root[128]; int version; };

static inline void write_text(const char *folder, const char *file, const char *text) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail("%s: %s", path, strerror(errno));
  close(fd);
}

static inline int has_cpu(const char *root) {
  char path[256], text[512] = "";
  snprintf(path, sizeof path, "%s/cgroup.controllers", root);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int found = read(fd, text, sizeof text - 1) > 0 && strstr(text, "cpu ");
  close(fd);
  return found;
}

static inline struct cgroup make_cgroup(const char *name) {
  static const char *roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu"};
  struct cgroup group = {"", "", 0};
  for (int i = 0; i < 4 && !group.version; i++) {
    char file[256];
    snprintf(file, sizeof file, "%s/cpu.shares", roots[i]);
    if (i < 2 ? has_cpu(roots[i]) : !access(file, F_OK)) {
      snprintf(group.root, sizeof group.root, "%s", roots[i]);
      group.version = i < 2 ? 2 : 1;
    }
  }
  if (!group.version) fail("no cgroup tree with the cpu controller");
  if (group.version == 2) write_text(group.root, "cgroup.subtree_control", "+cpu");
  snprintf(group.path, sizeof group.path, "%s/wakechain-%s-%d", group.root, name, getpid());
  if (mkdir(group.path, 0755)) fail("%s: %s", group.path, strerror(errno));
  // Before whatever else runs on the machine; the groups of one story are equals.
  if (group.version == 2) write_text(group.path, "cpu.weight", "10000");
  else write_text(group.path, "cpu.shares", "262144");
  return group;
}

static inline void set_quota(struct cgroup *group, int quota_us, int period_us) {
  char text[64];
  if (group->version == 2) {
    snprintf(text, sizeof text, "%d %d", quota_us, period_us);
    write_text(group->path, "cpu.max", text);
    return;
  }
  snprintf(text, sizeof text, "%d", period_us);
  write_text(group->path, "cpu.cfs_period_us", text);
  snprintf(text, sizeof text, "%d", quota_us);
  write_text(group->path, "cpu.cfs_quota_us", text);
}

static inline void join_cgroup(struct cgroup *group, pid_t pid) {
  char text[16];
  snprintf(text, sizeof text, "%d", pid);
  write_text(group->path, "cgroup.procs", text);
}

static inline void leave_cgroup(struct cgroup *group, pid_t pid) {
  char text[16];
  snprintf(text, sizeof text, "%d", pid);
  write_text(group->root, "cgroup.procs", text);
}

static inline void remove_cgroup(struct cgroup *group) {
  if (rmdir(group->path)) fail("%s: %s", group->path, strerror(errno));
}
