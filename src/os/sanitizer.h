/* os/sanitizer.h: whether this program is built with a sanitizer that makes system calls of its own.
 *
 * Its check for leaks at the end traces its own threads, and its reports read files: a program that has given
 * up its user or is held to a filter (os/privilege.h, os/system_call_filter.h) would fail there and not where
 * the fault is.
 */
#ifndef NEAP_OS_SANITIZER_H
#define NEAP_OS_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEAP_OS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define NEAP_OS_SANITIZED 1
#endif
#endif
#ifndef NEAP_OS_SANITIZED
#define NEAP_OS_SANITIZED 0
#endif

#endif
