//! The three plans of `response_mode=form_post`: the lists of the others, answered by a form.

pub(crate) mod basic {
    crate::basic::basic!("oidcc-formpost-basic-certification-test-plan", FormPost);
}

pub(crate) mod implicit {
    crate::implicit::implicit!("oidcc-formpost-implicit-certification-test-plan", FormPost);
}

pub(crate) mod hybrid {
    crate::hybrid::hybrid!("oidcc-formpost-hybrid-certification-test-plan", FormPost);
}
