# Models of the protocols, searched by Spin. They depend on no build, so one preset runs them: dev.
if(NOT QUARTET_CHECKED OR QUARTET_SANITIZE)
    return()
endif()

function(add_model_test name)
    add_test(NAME models/${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/models)
    set_tests_properties(models/${name} PROPERTIES TIMEOUT ${TEST_STANDSTILL_S} LABELS models SKIP_RETURN_CODE 77
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

set(models mailbox outlet pool retiring turns recall session_list accept_turn closing poller)
list(TRANSFORM models APPEND .pml OUTPUT_VARIABLE model_files)
list(APPEND model_files takers.pml) # a part of other models
foreach(model ${models})
    add_model_test(${model} python3 run.py ${model}.pml)
endforeach()
add_model_test(names python3 names.py ${PROJECT_SOURCE_DIR} ${model_files})
