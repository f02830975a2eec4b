/* hook/self_filter.h: sees a program confine itself, and prepares for it.
 *
 * A program that filters its own system calls begins with prctl: PR_SET_NO_NEW_PRIVS or PR_SET_SECCOMP.
 * Because this library is preloaded, its prctl is found before that of libc. What Neap needs later and a
 * filter may forbid is made then: the helper. What a filter may end the process for is left out from then on
 * (os/filter_watch.h). The call goes on when the helper has ended what it was at, because the filter may
 * bind it too.
 */
#ifndef NEAP_HOOK_SELF_FILTER_H
#define NEAP_HOOK_SELF_FILTER_H

/* As prctl. It is exported under that name. Any thread. */
__attribute__((visibility("default"))) int neap__prctl(int request, ...) __asm__("prctl");

#endif
