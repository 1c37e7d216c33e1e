//! The few pieces of BER (RFC 4511, section 5.1) that a load generator needs: requests are made once, answers are only
//! walked through.

/// One element: tag, definite length, content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            bytes.push(0x84);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// An octet string.
pub(crate) fn text(value: &str) -> Vec<u8> {
    element(0x04, value.as_bytes())
}

/// Several elements inside another.
pub(crate) fn group(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// An LDAP message with id 1: no connection here has two requests under way.
pub(crate) fn message(operation: Vec<u8>) -> Box<[u8]> {
    group(0x30, &[element(0x02, &[1]), operation]).into()
}

/// Tag, length of the header and length of the content of the element at the beginning, if its header is there.
pub(crate) fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *first < 0x80 {
        return Some((*tag, 2, usize::from(*first)));
    }
    let count = usize::from(first & 0x7f);
    let length = rest.get(..count)?.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
    Some((*tag, 2 + count, length))
}

/// The content of the element at the beginning, and what follows it.
pub(crate) fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, head, length) = header(bytes)?;
    let (content, rest) = bytes.get(head..)?.split_at_checked(length)?;
    Some((tag, content, rest))
}
