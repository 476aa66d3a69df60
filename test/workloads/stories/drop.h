// A network of this process's own, and packets that are lost in it: a BPF program of a few instructions on the way into its
// loopback device (tcx; a drop on the way out would be noticed by the sender at once, which is no loss).
#pragma once
#include "../workload.h"
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef BPF_TCX_INGRESS
#define BPF_TCX_INGRESS 46
#endif

static inline void own_network(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (unshare(CLONE_NEWNET)) fail("a network of its own: %s", strerror(errno));
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (ioctl(fd, SIOCSIFFLAGS, &lo)) fail("lo: %s", strerror(errno));
  close(fd);
  // What was lost is sent again after 20 ms instead of 200, where the kernel can (6.11).
  int least = open("/proc/sys/net/ipv4/tcp_rto_min_us", O_WRONLY | O_CLOEXEC);
  if (least >= 0 && write(least, "20000", 5) != 5) fail("tcp_rto_min_us: %s", strerror(errno));
  if (least >= 0) close(least);
}

// From now on one in `one_in` TCP packets to this port of the loopback device is lost, by chance.
static inline void drop_to_port(unsigned port, unsigned one_in) {
  enum { TCX_NEXT = -1, SHOT = 2, DESTINATION_PORT = 14 + 20 + 2 }; // Ethernet, IPv4 without options
#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
  struct bpf_insn program[] = {
      INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0), // what the packet load wants
      INSN(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, DESTINATION_PORT),
      INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 4, (int)port),
      INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32),
      INSN(BPF_ALU | BPF_MOD | BPF_K, 0, 0, 0, (int)one_in),
      INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 1, 0),
      INSN(BPF_JMP | BPF_JA, 0, 0, 2, 0),
      INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, TCX_NEXT),
      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, SHOT),
      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_SCHED_CLS,
                         .insns = (uint64_t)program,
                         .insn_cnt = sizeof program / sizeof *program,
                         .license = (uint64_t) "GPL"};
  int loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (loaded < 0) fail("the program that loses packets: %s", strerror(errno));
  union bpf_attr link = {.link_create = {.prog_fd = (uint32_t)loaded,
                                         .target_ifindex = if_nametoindex("lo"),
                                         .attach_type = BPF_TCX_INGRESS}};
  if (syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof link) < 0) fail("tcx on lo: %s", strerror(errno));
}
