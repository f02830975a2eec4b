/* os/filter_watch.h: whether a filter of system calls (seccomp) may be in force for this process.
 *
 * A filter may end the process for a call that its author did not know. So where one may be in force, code
 * within the process of a user makes only calls that such a program makes anyway.
 *
 *   none ------------------------> OWN        the program confines itself: by prctl, which hook notices, or
 *     '- filter at the start          ^       as a look at the calling thread tells
 *              '-> INHERITED ---------'
 *
 *   INHERITED   a container, a service manager: its filter is made for whole programs. Threads may be
 *               made and files opened; calls that are newer than the usual ones are left out.
 *   OWN         made for this program as it is: no new thread, no file opened besides.
 *
 * A state never goes back. Any thread; the functions that change it are for module hook.
 */
#ifndef NEAP_OS_FILTER_WATCH_H
#define NEAP_OS_FILTER_WATCH_H

#include <stdbool.h>

enum { NEAP_OS_PRCTL_WORDS = 4 };

/* Notes whether there is a filter already. Called once, at the start of a program of a user that is served.
 * In any other process no filter is OWN. */
void neap_os_filter_watch(void);

/* Notes that the program confines itself from now on. */
void neap_os_filter_foreseen(void);

/* Whether newer calls are to be left out. Where that is not known yet, this and the next one ask the kernel
 * about the calling thread: 0.1 us. */
bool neap_os_filter_is_active(void);

/* Whether threads and files are to be left out too. */
bool neap_os_filter_is_own(void);

/* As prctl; `words` are its arguments behind the request. */
int neap_os_prctl(int request, const unsigned long words[NEAP_OS_PRCTL_WORDS]);

/* Whether a program that makes this request is about to confine itself: it sets a filter, or gives up gaining
 * privileges, without which only root can set one. */
bool neap_os_prctl_confines(int request);

#endif
