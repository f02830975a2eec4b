/* hook/wiring.h: sees a program lock all its memory, so that the heap locks no more than it uses, and sees it
 * unlock its memory.
 *
 * Because this library is preloaded, its functions are found before those of libc. Where a limit refuses to
 * lock the reserve of the heap, it is given back as for RLIMIT_AS (hook/rlimit.c), and the call is made once
 * more.
 */
#ifndef NEAP_HOOK_WIRING_H
#define NEAP_HOOK_WIRING_H

/* As mlockall and munlockall. They are exported under those names. Any thread. */
__attribute__((visibility("default"))) int neap__mlockall(int flags) __asm__("mlockall");
__attribute__((visibility("default"))) int neap__munlockall(void) __asm__("munlockall");

#endif
