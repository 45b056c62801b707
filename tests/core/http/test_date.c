/* The dates of HTTP: written in one form, read in three, and in no other. */
#include "core/http/date.h"

#include "core/base/clock.h"
#include "tests/test.h"

static time_t parse(const char *text)
{
    return http_date_parse(text, strlen(text));
}

static const char *format(time_t at)
{
    static char text[HTTP_DATE_LEN + 1];
    http_date_format(text, at);
    return text;
}

TEST(date, writes_the_fixed_form)
{
    expect_text(format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    expect_text(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_text(format(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    expect_text(format(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(date, keeps_times_without_a_four_digit_year_inside)
{
    expect_text(format(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_text(format(253402300800), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(date, reads_all_three_forms)
{
    expect_int(parse("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    expect_int(parse("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    expect_int(parse("Sun Nov  6 08:49:37 1994"), 784111777);
    expect_int(parse("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
}

TEST(date, reads_back_what_it_writes)
{
    for (time_t at = 0; at < 253402300799; at += 86400 * 97 + 12345) {
        struct tm tm;
        char text[64];
        expect_int(parse(format(at)), at);
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
        expect_text(format(at), text);
    }
}

TEST(date, accepts_a_leap_second)
{
    expect_int(parse("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
}

TEST(date, refuses_everything_else)
{
    static const char *const bad[] = {
        "",
        "Sun",
        "Sun,",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov +994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 30-Feb-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov 06 08:49:37 94",
        "Someday, 06-Nov-94 08:49:37 GMT",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_msg(parse(bad[i]) == (time_t)-1, "accepted: %s", bad[i]);
    }
}

static time_t parse_two_digits(int year)
{
    char text[64];
    snprintf(text, sizeof text, "Sunday, 01-Jun-%02d 12:00:00 GMT", year % 100);
    return parse(text);
}

static int year_of(time_t at)
{
    struct tm tm;
    return gmtime_r(&at, &tm)->tm_year + 1900;
}

TEST(date, puts_a_two_digit_year_at_most_fifty_years_ahead)
{
    int now = year_of(clock_wall_s());
    int century = now / 100 * 100;
    for (int year = 0; year < 100; year++) {
        int read = year_of(parse_two_digits(year));
        expect_int(read % 100, year);
        expect(read <= now + 50);
        expect(read == century + year ||
               (read == century + year - 100 && century + year >= now + 50));
    }
}

TEST(date, says_the_current_time)
{
    time_t before = clock_wall_s();
    time_t said = http_date_parse(http_date_now(), HTTP_DATE_LEN);
    expect(said >= before && said <= clock_wall_s());
}
