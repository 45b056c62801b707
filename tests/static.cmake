# Checks of the sources themselves, and of the object files of this build (layers): one preset runs them.
# dev is the one that is checked but not sanitized.
if(NOT QUARTET_CHECKED OR QUARTET_SANITIZE OR QUARTET_CHAOS)
    return()
endif()

function(add_static_test name)
    add_test(NAME static/${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(static/${name} PROPERTIES TIMEOUT ${TEST_STANDSTILL_S} LABELS static SKIP_RETURN_CODE 77)
endfunction()

add_static_test(layers python3 tests/layers.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
# The points of core/base/chaos.h are in builds with QUARTET_CHAOS only.
add_static_test(no_chaos sh -c "nm $<TARGET_FILE:quartet> | (! grep chaos_)")
add_static_test(documents python3 tests/documents.py)
add_static_test(can_fail tests/static_can_fail.sh)
add_static_test(format tests/format.sh)
add_static_test(tidy tests/tidy.sh ${PROJECT_BINARY_DIR} rules)
add_static_test(tidy_paths tests/tidy.sh ${PROJECT_BINARY_DIR} paths)
# They compute while other tests sleep, so they come first. At their priority they take no processor from those.
# Where other programs take it all the same, they take long.
set_tests_properties(static/tidy static/tidy_paths PROPERTIES COST 1000 TIMEOUT 3600)
