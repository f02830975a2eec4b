/* neap/version.h: which Neap this is. A version is major.minor.patch; the header says which one a
 * program was compiled with, the function which one it runs with. */
#ifndef NEAP_VERSION_H
#define NEAP_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* meson.build states the version; configuring fails where these lines say another one. */
#define NEAP_VERSION_MAJOR 0
#define NEAP_VERSION_MINOR 1
#define NEAP_VERSION_PATCH 0

#define NEAP_VERSION "0.1.0"

/* NEAP_VERSION of the library that the program runs with, static. Any thread. */
const char *neap_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
