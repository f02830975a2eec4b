/* os/c_library.h: the C library that this code finds itself with, which need not be glibc.
 *
 * `neap run` preloads its library into every program that its children start. A program for musl
 * loads it too. A loader that does not find a function of a library ends the program, unless the
 * reference is weak. So the preloaded library refers to what glibc alone has weakly, and
 * does nothing where it is missing. tests/system/test_left_alone.py reads its references. Any thread.
 */
#ifndef NEAP_OS_C_LIBRARY_H
#define NEAP_OS_C_LIBRARY_H

#include <stdbool.h>

/* Whether it is glibc, with all that is referred to weakly. In a static program, false. */
bool neap_os_c_library_is_glibc(void);

/* As pthread_atfork, which glibc does not have in its shared library: it would be linked in, with a strong
 * reference. NEAP_ERROR_MEMORY; NEAP_ERROR_SYSTEM where it is not glibc. */
int neap_os_fork_handlers(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/* As malloc_trim(0); nothing where it is not glibc. */
void neap__os_c_library_trim(void);

#endif
