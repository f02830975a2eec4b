/* os/system_call_filter.h: what this process may still ask of the kernel, from one moment on (seccomp(2)).
 *
 *   OPENING   files can be opened for reading, and rights can be given up       a core file's own headers
 *      v
 *   READING   memory, threads of its own, what is open already, the clock       all other foreign bytes
 *
 * All threads of the process are held to it, and it is never taken back; READING can follow OPENING. There
 * are three answers to what is not allowed:
 *
 *   - the process ends (SIGSYS): a few calls with which one process harms others or becomes another program.
 *     No line of Neap or of libc makes them after this moment, so that whoever makes one has taken over.
 *   - ENOSYS: everything else. libc asks for things that it can do without (clone3, /dev/urandom, what a
 * newer libc may try first), and falls back.
 *   - allowed with some arguments only: no memory becomes executable, new threads but no new processes, a
 *     terminal is asked for its size but not typed into, a traced thread is let go.
 */
#ifndef NEAP_OS_SYSTEM_CALL_FILTER_H
#define NEAP_OS_SYSTEM_CALL_FILTER_H

#include <stdbool.h>

#include <neap/error.h>

enum neap_os_filter { NEAP_OS_FILTER_OPENING, NEAP_OS_FILTER_READING };

/* Holds this process to `filter`. NEAP_ERROR_ABSENT where there is no such thing, and all is as before: a
 * kernel without CONFIG_SECCOMP_FILTER, a container that refuses seccomp(2), an unknown processor, a program
 * built with a sanitizer (which makes system calls of its own). Sets no_new_privs in any case. */
int neap_os_filter_enter(enum neap_os_filter filter);

/* Whether there is such a thing here. */
bool neap_os_filter_exists(void);

#endif
