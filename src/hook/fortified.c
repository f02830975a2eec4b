/* hook/fortified.c: glibc's own names of standard functions, for the preloaded library.
 *
 * glibc's headers make calls of snprintf, memcpy or strtol calls of functions that only glibc has: those
 * that also check the length of the destination, and those of a newer standard of C. The
 * preloaded library must also load where they are missing (os/c_library.h). So it has them itself. They
 * are hidden; a program and libc never see them.
 */
#undef _FORTIFY_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- with a check of the length --- */

void *neap__memcpy_checked(void *to, const void *from, size_t bytes, size_t room) __asm__("__memcpy_chk");
void *neap__memmove_checked(void *to, const void *from, size_t bytes, size_t room) __asm__("__memmove_chk");
void *neap__memset_checked(void *to, int byte, size_t bytes, size_t room) __asm__("__memset_chk");
int neap__vsnprintf_checked(char *text, size_t size, int flag, size_t room, const char *format,
                            va_list arguments) __asm__("__vsnprintf_chk");
int neap__snprintf_checked(char *text, size_t size, int flag, size_t room, const char *format,
                           ...) __asm__("__snprintf_chk");

static void check(size_t bytes, size_t room) {
    if (bytes > room)
        abort();
}

void *neap__memcpy_checked(void *to, const void *from, size_t bytes, size_t room) {
    check(bytes, room);
    return memcpy(to, from, bytes);
}

void *neap__memmove_checked(void *to, const void *from, size_t bytes, size_t room) {
    check(bytes, room);
    return memmove(to, from, bytes);
}

void *neap__memset_checked(void *to, int byte, size_t bytes, size_t room) {
    check(bytes, room);
    return memset(to, byte, bytes);
}

__attribute__((format(printf, 5, 0))) int neap__vsnprintf_checked(char *text, size_t size, int flag,
                                                                  size_t room, const char *format,
                                                                  va_list arguments) {
    (void)flag;
    check(size, room);
    return vsnprintf(text, size, format, arguments);
}

__attribute__((format(printf, 5, 6))) int neap__snprintf_checked(char *text, size_t size, int flag,
                                                                 size_t room, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = neap__vsnprintf_checked(text, size, flag, room, format, arguments);
    va_end(arguments);
    return length;
}

/* --- of C23, which glibc 2.38 and later take for all programs with GNU extensions --- */

extern long neap__plain_strtol(const char *text, char **end, int base) __asm__("strtol");
extern unsigned long neap__plain_strtoul(const char *text, char **end, int base) __asm__("strtoul");
extern long long neap__plain_strtoll(const char *text, char **end, int base) __asm__("strtoll");
extern unsigned long long neap__plain_strtoull(const char *text, char **end, int base) __asm__("strtoull");
extern int neap__plain_vsscanf(const char *text, const char *format, va_list arguments) __asm__("vsscanf");

long neap__c23_strtol(const char *text, char **end, int base) __asm__("__isoc23_strtol");
unsigned long neap__c23_strtoul(const char *text, char **end, int base) __asm__("__isoc23_strtoul");
long long neap__c23_strtoll(const char *text, char **end, int base) __asm__("__isoc23_strtoll");
unsigned long long neap__c23_strtoull(const char *text, char **end, int base) __asm__("__isoc23_strtoull");
int neap__c23_sscanf(const char *text, const char *format, ...) __asm__("__isoc23_sscanf");

long neap__c23_strtol(const char *text, char **end, int base) {
    return neap__plain_strtol(text, end, base);
}

unsigned long neap__c23_strtoul(const char *text, char **end, int base) {
    return neap__plain_strtoul(text, end, base);
}

long long neap__c23_strtoll(const char *text, char **end, int base) {
    return neap__plain_strtoll(text, end, base);
}

unsigned long long neap__c23_strtoull(const char *text, char **end, int base) {
    return neap__plain_strtoull(text, end, base);
}

__attribute__((format(scanf, 2, 3))) int neap__c23_sscanf(const char *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = neap__plain_vsscanf(text, format, arguments);
    va_end(arguments);
    return count;
}
